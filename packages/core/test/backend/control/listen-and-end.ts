/** A program that listens, closes nothing, and has nothing else to do: it must end. */
import { realtimeChannels } from '../../../src/backend/realtime.ts';
import type { RealtimeGrant } from '../../../src/wire/index.ts';

const grant = JSON.parse(process.env['GRANT'] ?? '') as RealtimeGrant;
// Held until it is live, as a call of the app would.
const busy = setInterval(() => undefined, 1_000);
realtimeChannels()({
  grant: () => Promise.resolve(grant),
  onMessage: () => undefined,
  onState: (state) => {
    console.info(state);
    clearInterval(busy);
  },
}).open();
