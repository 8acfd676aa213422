/** Reserve and settle, beside a hand-written floor, an OpenTelemetry span, and what the hot path leaves out. */
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { admit } from '../packages/core/src/admission.ts';
import { Budget } from '../packages/core/src/budget/budget.ts';
import type { CallRequest } from '../packages/core/src/call.ts';
import { checkOptions, type KavachOptions } from '../packages/core/src/config/options.ts';
import { Engine } from '../packages/core/src/engine.ts';
import { InFlight } from '../packages/core/src/in-flight.ts';
import { medians, type Section } from './measure.ts';

const ONE: KavachOptions = { budget: Budget.daily(1_000) };
const FIVE: KavachOptions = {
  budget: [
    Budget.daily(1_000),
    Budget.hourly(999),
    Budget.total(5_000),
    Budget.tokens(1e14, 'daily'),
    Budget.calls(1e14, 'monthly'),
  ],
};
const SHORT = [{ role: 'user', content: 'What is the capital of France?' }];
const LONG = [
  { role: 'user', content: 'The quick brown fox jumps over the lazy dog. '.repeat(2500).slice(0, 100_000) },
];
const RESULT = { usage: { inputTokens: 20, outputTokens: 1 } };

/** The engine's own share of a call, without promises or a framework. */
export async function reserveSection(): Promise<Section> {
  const account = { spent: 0, reserved: 0, limit: 1e15 };
  const span = new BasicTracerProvider().getTracer('bench');
  const text = LONG[0]?.content ?? '';
  const p50 = await medians({
    floor: () => floor(account),
    span: () =>
      span
        .startSpan('chat', { attributes: { 'gen_ai.request.model': 'gpt-4o', 'gen_ai.usage.input_tokens': 20 } })
        .end(),
    one: reserveAndSettle(ONE, SHORT),
    five: reserveAndSettle(FIVE, SHORT),
    long: reserveAndSettle(ONE, LONG),
  });
  const slow = await medians(
    {
      encode: () => encode(text.slice(0, 10_000)),
      stringify: () => JSON.stringify({ messages: [{ content: text.slice(0, 10_000) }] }),
    },
    { batch: 2, rounds: 100 },
  );
  return {
    title: 'Reserve and settle (p50)',
    note: 'The check before a call and the booking after it: price look-up, input bound, run limits, reservation, settlement.',
    figures: [
      { name: 'baseline: hand-written check, add, subtract', value: p50['floor'] ?? NaN, unit: 'µs' },
      { name: 'baseline: an OpenTelemetry span, started and ended', value: p50['span'] ?? NaN, unit: 'µs' },
      { name: 'one budget, short prompt', value: p50['one'] ?? NaN, unit: 'µs', target: 2 },
      { name: 'five budgets, short prompt', value: p50['five'] ?? NaN, unit: 'µs', target: 5 },
      { name: 'one budget, 100 KB prompt', value: p50['long'] ?? NaN, unit: 'µs', target: 5 },
      { name: 'baseline: JSON.stringify of 10 KB (not done)', value: slow['stringify'] ?? NaN, unit: 'µs' },
      { name: 'baseline: tokenizing 10 KB (not done)', value: slow['encode'] ?? NaN, unit: 'µs' },
    ],
  };
}

function reserveAndSettle(options: KavachOptions, input: CallRequest['input']): () => void {
  const engine = new Engine(checkOptions(options));
  const request: CallRequest = { provider: 'openai', model: 'gpt-4o', input, canClampOutput: true };
  return () => {
    const call = admit(engine, request);
    if (!(call instanceof InFlight)) throw new Error('The benchmark ran out of budget.');
    call.complete(RESULT);
  };
}

/** The least that any guard must do: look the window up by the clock, check, hold, release, add. */
function floor(account: { spent: number; reserved: number; limit: number }): void {
  const now = Date.now();
  const worst = 30 * 2500 + 4096 * 10_000 + (now & 1);
  if (account.spent + account.reserved + worst > account.limit) throw new Error('no room');
  account.reserved += worst;
  account.reserved -= worst;
  account.spent += 20 * 2500 + 10_000;
}
