/** Whether a prompt holds nothing but text: no image, audio or file, which some providers bill at rates of their own. */
import { list, type Fields } from './shape.ts';

/** Parts and results that the SDK sends as text. What is not listed here may be anything. */
const TEXT = new Set<unknown>([
  'text',
  'reasoning',
  'tool-call',
  'tool-approval-request',
  'tool-approval-response',
  'json',
  'error-text',
  'error-json',
  'execution-denied',
]);

/** Whether every part of the prompt is text. Plain loops: this runs before every call, over the whole conversation. */
export function holdsOnlyText(prompt: unknown): boolean {
  if (!Array.isArray(prompt)) return false;
  for (const message of prompt as readonly unknown[]) {
    const content = (message as Fields | null)?.['content'];
    if (typeof content === 'string') continue;
    if (!Array.isArray(content)) return false;
    for (const part of content as readonly unknown[]) if (!isText(part as Fields | null)) return false;
  }
  return true;
}

function isText(part: Fields | null): boolean {
  if (part === null) return false;
  return part['type'] === 'tool-result'
    ? isTextResult(part['output'] as Fields | null | undefined)
    : TEXT.has(part['type']);
}

function isTextResult(output: Fields | null | undefined): boolean {
  if (output?.['type'] !== 'content') return TEXT.has(output?.['type']);
  for (const entry of list(output['value'])) if ((entry as Fields | null)?.['type'] !== 'text') return false;
  return true;
}
