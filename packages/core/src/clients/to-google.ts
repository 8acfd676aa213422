/** A chat request in OpenAI's form as Google's. */
import type { Content, GenerateContentConfig, GenerateContentParameters, Part } from '@google/genai';
import { argumentsOf, imageUrl, inlineData, isChatTool, partsOf, splitSystem, stopsOf, textOf } from './chat-form.ts';
import type { ChatMessage, ChatParams } from './create-types.ts';

/** The parameters of `models.generateContent()`; with `contents`, they are Google's own already. */
export function toGoogle(
  params: ChatParams & Readonly<Record<string, unknown>>,
  model: string,
  abortSignal: AbortSignal | undefined,
): GenerateContentParameters {
  const own = (params['config'] ?? {}) as GenerateContentConfig;
  const signal = abortSignal === undefined ? {} : { abortSignal };
  const { contents } = params as { contents?: GenerateContentParameters['contents'] };
  if (contents !== undefined) return { model, contents, config: { ...own, ...signal } };
  const { system, rest } = splitSystem(params.messages);
  const config: GenerateContentConfig = {
    ...settingsOf(params),
    ...(system === undefined ? {} : { systemInstruction: system }),
    ...own,
    ...signal,
  };
  return { model, contents: contentsOf(rest), config };
}

function settingsOf(params: ChatParams & Readonly<Record<string, unknown>>): GenerateContentConfig {
  const cap = params.max_tokens ?? params['max_completion_tokens'];
  const stops = stopsOf(params);
  const declarations = (params.tools ?? []).filter(isChatTool).map(({ function: tool }) => ({
    name: tool.name,
    ...(tool.description === undefined ? {} : { description: tool.description }),
    ...(tool.parameters === undefined ? {} : { parametersJsonSchema: tool.parameters }),
  }));
  return {
    ...(typeof cap === 'number' ? { maxOutputTokens: cap } : {}),
    ...(typeof params.temperature === 'number' ? { temperature: params.temperature } : {}),
    ...(typeof params.top_p === 'number' ? { topP: params.top_p } : {}),
    ...(typeof params['n'] === 'number' ? { candidateCount: params['n'] } : {}),
    ...(stops === undefined ? {} : { stopSequences: [...stops] }),
    ...(declarations.length === 0 ? {} : { tools: [{ functionDeclarations: declarations }] }),
  };
}

function contentsOf(messages: readonly ChatMessage[]): Content[] {
  // Google knows a result by its function's name, OpenAI by the call's id.
  const names = new Map<string, string>();
  return messages.map((message): Content => {
    if (message.role === 'tool') {
      const id = message.tool_call_id ?? '';
      const name = names.get(id) ?? message.name ?? id;
      const result: object = { functionResponse: { name, response: { output: textOf(message) } } };
      return { role: 'user', parts: [result] };
    }
    const calls = (message.tool_calls ?? []).map((call): Part => {
      names.set(call.id, call.function.name);
      return { functionCall: { name: call.function.name, args: argumentsOf(call) } };
    });
    return {
      role: message.role === 'assistant' ? 'model' : 'user',
      parts: [...partsOf(message).map(toPart), ...calls],
    };
  });
}

function toPart(part: ReturnType<typeof partsOf>[number]): Part {
  if (part.type !== 'image_url') return { text: part.text };
  const url = imageUrl(part);
  const inline = inlineData(url);
  return inline === undefined ? { fileData: { fileUri: url } } : { inlineData: { ...inline } };
}
