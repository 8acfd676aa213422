/** Conversations that OpenAI keeps: the requests show only what is new. */
import { describe, expect, it } from 'vitest';
import { LoopDetectedError } from './loop-error.ts';
import { meteredGuard, REQUEST } from './testing/metered.ts';

const USAGE = { inputTokens: 10, outputTokens: 0 };

function watching() {
  return meteredGuard({ guardrails: { detectLoops: true } }).guard;
}

/** A model that calls the same tool in each answer; the conversation stays at OpenAI. */
class Stuck {
  requests = 0;
  readonly guard = watching();
  #call = '';

  /** What the caller sends next: the tool's output, and which answer it goes on with. */
  input(previous: object, output: unknown): object {
    if (this.requests === 0) return { input: 'Go' };
    return { ...previous, input: [{ type: 'function_call_output', call_id: this.#call, output }] };
  }

  answer(conversation?: string): { id: string } {
    this.requests += 1;
    this.#call = `call_${this.requests}`;
    const call = {
      type: 'function_call',
      id: `fc_${this.requests}`,
      call_id: this.#call,
      name: 'read',
      arguments: '{}',
    };
    return {
      id: `resp_${this.requests}`,
      object: 'response',
      output: [{ type: 'reasoning', id: `rs_${this.requests}` }, call],
      ...(conversation === undefined ? {} : { conversation: { id: conversation } }),
    } as { id: string };
  }

  async ask(previous: object, output: unknown, conversation?: string): Promise<string> {
    const request = { ...REQUEST, input: this.input(previous, output) };
    const { id } = await this.guard.call(request, async () => ({ value: this.answer(conversation), usage: USAGE }));
    return id;
  }

  async stream(previous: object, output: unknown): Promise<string> {
    const request = { ...REQUEST, input: this.input(previous, output) };
    const stream = await this.guard.stream(request, async () => ({
      stream: (async function* (stuck: Stuck) {
        yield { type: 'response.created', response: { id: 'resp_x', object: 'response', output: [] } };
        yield { type: 'response.completed', response: stuck.answer() };
      })(this),
      meter: (_chunk: { response: { id: string } }, meter) => void meter.usage(USAGE),
    }));
    let id = '';
    for await (const chunk of stream) id = chunk.response.id;
    return id;
  }
}

describe('a conversation that OpenAI keeps', () => {
  it.each(['ask', 'stream'] as const)('is followed from answer to answer: %s', async (how) => {
    const stuck = new Stuck();
    let id = '';
    for (let n = 0; n < 4; n++) id = await stuck[how]({ previous_response_id: id }, 'nothing');
    const next = stuck[how]({ previous_response_id: id }, 'nothing');
    await expect(next).rejects.toMatchObject({ rule: 'repeated-call', count: 4, pattern: ['read({})'] });
    expect(stuck.requests).toBe(4);
  });

  it('is followed by its own id', async () => {
    const stuck = new Stuck();
    for (let n = 0; n < 4; n++) await stuck.ask({ conversation: 'conv_1' }, 'nothing', 'conv_1');
    const next = stuck.ask({ conversation: { id: 'conv_1' } }, 'nothing');
    await expect(next).rejects.toBeInstanceOf(LoopDetectedError);
  });

  it('is followed through results that are too long to be kept', async () => {
    const long = 'x'.repeat(100_000);
    for (const [end, requests] of [
      [() => 'y', 4],
      [(n: number) => String(n), 9],
    ] as const) {
      const stuck = new Stuck();
      let id = '';
      const loop = async (): Promise<void> => {
        for (let n = 0; n < 9; n++) id = await stuck.ask({ previous_response_id: id }, `${long}${end(n)}`);
      };
      await loop().catch((error: unknown) => expect(error).toBeInstanceOf(LoopDetectedError));
      expect(stuck.requests).toBe(requests);
    }
  });

  it('is no loop where the results change', async () => {
    const stuck = new Stuck();
    let id = '';
    for (let n = 0; n < 9; n++) id = await stuck.ask({ previous_response_id: id }, `line ${n}`);
    expect(stuck.requests).toBe(9);
  });

  it('begins anew from an answer that the guard has not seen', async () => {
    const stuck = new Stuck();
    for (let n = 0; n < 9; n++) await stuck.ask({ previous_response_id: 'resp_of_another_process' }, 'nothing');
    expect(stuck.requests).toBe(9);
  });
});
