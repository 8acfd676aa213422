/** Google's generateContent and streamGenerateContent: https://ai.google.dev/api/generate-content */
import type { Answer } from '../answer.ts';
import { reasoningChunks, textChunks } from '../answer.ts';
import { isObject, listOf, objectOf, stringOf } from '../json.ts';
import type { Frame, Wire } from './wire.ts';
import { BadRequest, cap, join } from './wire.ts';

const FINISH = { stop: 'STOP', length: 'MAX_TOKENS', tool_calls: 'STOP' } as const;

/** Usage with so much output told. The prompt count leaves the provider's own tool prompts out. */
function usageMetadata({ usage, serviceTier }: Answer, thoughts: number, output: number): Record<string, unknown> {
  const prompt = usage.inputTokens - usage.toolUsePromptTokens;
  const text = (tokenCount: number): unknown => [{ modality: 'TEXT', tokenCount }];
  return {
    promptTokenCount: prompt,
    ...(output > 0 && { candidatesTokenCount: output }),
    totalTokenCount: usage.inputTokens + thoughts + output,
    ...(usage.cacheReadTokens > 0 && {
      cachedContentTokenCount: usage.cacheReadTokens,
      cacheTokensDetails: text(usage.cacheReadTokens),
    }),
    promptTokensDetails: text(prompt),
    ...(usage.toolUsePromptTokens > 0 && {
      toolUsePromptTokenCount: usage.toolUsePromptTokens,
      toolUsePromptTokensDetails: text(usage.toolUsePromptTokens),
    }),
    ...(thoughts > 0 && { thoughtsTokenCount: thoughts }),
    serviceTier,
  };
}

/** Thoughts are told apart from the output, and shown only to requests that ask for them. */
function wantsThoughts({ request }: Answer): boolean {
  const config = objectOf(request.body['generationConfig']);
  return objectOf(config?.['thinkingConfig'])?.['includeThoughts'] === true;
}

const callPart = (call: Answer['toolCalls'][number]): unknown => ({
  functionCall: { name: call.name, args: call.input },
});

function response(answer: Answer, candidates: readonly unknown[], usage: unknown): Record<string, unknown> {
  return {
    candidates,
    ...(answer.tellUsage && { usageMetadata: usage }),
    modelVersion: answer.model,
    responseId: answer.id,
  };
}

export const googleGenerate: Wire = {
  provider: 'google',
  api: 'generateContent',

  read(body, target) {
    if (!Array.isArray(body['contents'])) throw new BadRequest('contents is not specified', 'contents');
    const config = objectOf(body['generationConfig']) ?? {};
    const tools = listOf(body['tools']).filter(isObject);
    const schema = config['responseSchema'] ?? config['responseJsonSchema'];
    return {
      model: target.model ?? '',
      streamed: target.streamed,
      maxOutputTokens: cap(config['maxOutputTokens'], 'generationConfig.maxOutputTokens'),
      candidates: cap(config['candidateCount'], 'generationConfig.candidateCount'),
      serviceTier: stringOf(body['serviceTier']),
      messages: [
        ...(body['systemInstruction'] === undefined ? [] : [body['systemInstruction']]),
        ...listOf(body['contents']),
      ],
      definitions: [...tools, ...(schema === undefined ? [] : [schema])],
      toolNames: tools
        .flatMap((tool) => listOf(tool['functionDeclarations']))
        .flatMap((declaration) => stringOf(objectOf(declaration)?.['name']) ?? []),
    };
  },

  whole(answer) {
    const shows = wantsThoughts(answer) && answer.reasoning.length > 0;
    const parts = [
      ...(shows ? [{ text: join(answer.reasoning), thought: true }] : []),
      ...(answer.text.length > 0 ? [{ text: join(answer.text) }] : []),
      ...answer.toolCalls.map(callPart),
    ];
    const candidates = Array.from({ length: answer.request.candidates }, (_, index) => ({
      content: { parts, role: 'model' },
      finishReason: FINISH[answer.stop],
      index,
    }));
    const { outputTokens, reasoningTokens } = answer.usage;
    return response(answer, candidates, usageMetadata(answer, reasoningTokens, outputTokens - reasoningTokens));
  },

  *stream(answer): Generator<Frame> {
    let thoughts = 0;
    let output = 0;
    const chunk = (index: number, part: unknown, finish?: string): string => {
      const candidate = {
        content: { parts: [part], role: 'model' },
        ...(finish !== undefined && { finishReason: finish }),
        index,
      };
      return `data: ${JSON.stringify(response(answer, [candidate], usageMetadata(answer, thoughts, output)))}\r\n\r\n`;
    };
    for (let index = 0; index < answer.request.candidates; index += 1) {
      let hidden = answer.reasoning.length;
      if (wantsThoughts(answer)) {
        hidden = 0;
        for (const part of reasoningChunks(answer)) {
          thoughts += part.tokens;
          yield { bytes: chunk(index, { text: part.text, thought: true }), tokens: part.tokens, kind: 'delta' };
        }
      }
      thoughts += hidden;
      for (const part of textChunks(answer)) {
        output += part.tokens;
        yield { bytes: chunk(index, { text: part.text }), tokens: part.tokens + hidden, kind: 'delta' };
        hidden = 0;
      }
      for (const call of answer.toolCalls) {
        output += call.tokens;
        yield { bytes: chunk(index, callPart(call)), tokens: call.tokens + hidden, kind: 'delta' };
        hidden = 0;
      }
      const last = index === answer.request.candidates - 1;
      // The cap may have cut a tool call short: it was generated, though nothing shows it.
      if (last) output = answer.usage.outputTokens - answer.usage.reasoningTokens;
      yield { bytes: chunk(index, { text: '' }, FINISH[answer.stop]), tokens: hidden, ...(last && { kind: 'end' }) };
    }
  },
};
