/** What tests of a guard need: clocks and promises under control, and a provider with a ledger of its own. */
export { rejection, reserved, spends, spentNano } from './booked.ts';
export { deferred, type Deferred } from './deferred.ts';
export { FakeClock } from './fake-clock.ts';
export { FakeProvider, type FakeRates, type PendingRequest } from './fake-provider.ts';
export { guardFixture, type GuardFixture } from './guard-fixture.ts';
