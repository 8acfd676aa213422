import { describe, expect, it } from 'vitest';
import { RawAnswer } from './raw-answer.ts';

async function read(
  provider: string,
  events: readonly object[],
  until = events.length,
  answers?: number,
): Promise<RawAnswer> {
  const raw = new RawAnswer(provider, answers);
  const stream = raw.see({
    async *[Symbol.asyncIterator]() {
      yield* events;
    },
  });
  let seen = 0;
  for await (const event of stream) if (event === events[until - 1] || (seen += 1) >= until) break;
  return raw;
}

describe('a raw stream', () => {
  it('has no figures before its last word: Anthropic', async () => {
    const events = [
      { type: 'message_start', message: { model: 'claude-x', usage: { input_tokens: 10, output_tokens: 1 } } },
      { type: 'message_delta', delta: {}, usage: { output_tokens: 30 } },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 50 } },
    ];
    expect((await read('anthropic', events, 1)).figures).toBeUndefined();
    expect((await read('anthropic', events)).figures).toMatchObject({
      model: 'claude-x',
      usage: { inputTokens: 10, outputTokens: 50 },
    });
  });

  it('takes no running count for the last: OpenAI’s hosts, Gemini', async () => {
    const usage = { prompt_tokens: 10, completion_tokens: 1 };
    const running = [{ choices: [{ delta: {} }], usage }];
    expect((await read('openai', running)).figures).toBeUndefined();
    const alone = { choices: [], usage, service_tier: 'flex' };
    expect(await read('openai', [alone])).toMatchObject({ isOpen: true, figures: undefined });
    const stop = { choices: [{ finish_reason: 'stop' }] };
    expect((await read('openai', [stop, alone])).figures?.usage).toMatchObject({
      outputTokens: 1,
      serviceTier: 'flex',
    });
    const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 5, thoughtsTokenCount: 7, totalTokenCount: 22 };
    expect((await read('google', [{ candidates: [{}], usageMetadata }])).figures).toBeUndefined();
    expect(
      (await read('google', [{ candidates: [{ finishReason: 'STOP' }], usageMetadata }])).figures?.usage,
    ).toMatchObject({
      outputTokens: 12,
    });
  });

  it('has ended where Gemini refuses the prompt', async () => {
    const usageMetadata = { promptTokenCount: 10, totalTokenCount: 10 };
    expect((await read('google', [{ usageMetadata }])).isOpen).toBe(true);
    const refused = { promptFeedback: { blockReason: 'SAFETY' }, usageMetadata };
    expect(await read('google', [refused])).toMatchObject({ isOpen: false, figures: { usage: { inputTokens: 10 } } });
  });

  it('reads Mistral’s renamed fields inside their envelope', async () => {
    const data = {
      choices: [{ finishReason: 'stop' }],
      usage: { promptTokens: 10, completionTokens: 4, totalTokens: 14 },
    };
    expect((await read('mistral', [{ data }])).figures?.usage).toMatchObject({ inputTokens: 10, outputTokens: 4 });
  });

  it('has not ended before each of its answers has', async () => {
    const usage = { prompt_tokens: 10, completion_tokens: 4 };
    const first = { choices: [{ index: 0, finish_reason: 'stop' }], usage };
    const second = { choices: [{ index: 1, finish_reason: 'stop' }], usage };
    expect(await read('openai', [first, first], 2, 2)).toMatchObject({ isOpen: true, figures: undefined });
    expect(await read('openai', [first, second], 2, 2)).toMatchObject({
      isOpen: false,
      figures: { usage: { outputTokens: 4 } },
    });
  });

  it('has ended where Anthropic says so, without a reason too', async () => {
    const events = [
      { type: 'message_start', message: { model: 'claude-x', usage: { input_tokens: 10, output_tokens: 1 } } },
      { type: 'message_delta', delta: { stop_reason: null }, usage: { output_tokens: 50 } },
      { type: 'message_stop' },
    ];
    expect(await read('anthropic', events)).toMatchObject({ isOpen: false, figures: { usage: { outputTokens: 50 } } });
  });

  it('knows the provider’s error event', async () => {
    expect((await read('openai', [{ type: 'response.failed' }])).failed).toBe(true);
  });

  it('keeps the stream’s own members', () => {
    const controller = new AbortController();
    const stream = { controller, async *[Symbol.asyncIterator]() {} };
    expect(new RawAnswer('anthropic').see(stream).controller).toBe(controller);
  });
});

describe('a raw answer', () => {
  it('is read in any provider’s shape, and handed on', () => {
    const raw = new RawAnswer('google');
    const answer = {
      response: { modelVersion: 'gemini-x', usageMetadata: { promptTokenCount: 3, totalTokenCount: 9 } },
    };
    expect(raw.see(answer)).toBe(answer);
    expect(raw.figures).toMatchObject({ model: 'gemini-x', usage: { inputTokens: 3, outputTokens: 6 } });
  });
});
