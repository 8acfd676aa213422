/** The reasoning that OpenAI keeps (`store`), which the AI SDK sends again by its id alone. */
import { fields, list, text } from './shape.ts';

/** The ids of the reasoning in an answer's content. */
export function reasoningIds(content: unknown): string[] {
  return list(content).flatMap((part) => reasoningId(part) ?? []);
}

/** The id of reasoning that the provider keeps, of a part of an answer or of a stream; `undefined` for any other. */
export function reasoningId(part: unknown): string | undefined {
  const { type, providerMetadata } = fields(part) ?? {};
  if (type !== 'reasoning' && type !== 'reasoning-start' && type !== 'reasoning-end') return undefined;
  for (const metadata of Object.values(fields(providerMetadata) ?? {})) {
    const id = text(fields(metadata)?.['itemId']); // under the name of the provider, which the app may choose
    if (id !== undefined) return id;
  }
  return undefined;
}
