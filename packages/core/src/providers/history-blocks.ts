/**
 * Reads messages whose content is a list of blocks: Anthropic's (docs.claude.com/en/api/messages), those of the AI SDK
 * (ModelMessage, and the prompts of its model specification V2 to V4), and the plain ones of everybody else.
 */
import { contentOf, textOf, type TurnsBackwards } from './history-turns.ts';
import { fields, type Fields } from './usage-fields.ts';

/** Takes one message of the user or the model, its newest part first. */
export function readBlocks(kind: 'assistant' | 'user', content: unknown, turns: TurnsBackwards): void {
  if (typeof content === 'string') return turns.say(kind, content);
  if (!Array.isArray(content)) return;
  const blocks = content as readonly unknown[];
  const texts: string[] = [];
  let hasMore = false;
  // A message's results and calls come in its own order; its text counts as said before them by the model, and after them by the user.
  const later: (() => void)[] = [];
  for (let i = blocks.length - 1; i >= 0; i--) {
    const block = fields(blocks[i]);
    if (block === undefined) continue;
    const text = textOf(block) ?? refusalOf(block);
    if (text !== undefined) texts.unshift(text);
    else if (isTool(block)) later.push(() => readTool(block, turns));
    else if (kind === 'user') hasMore = true;
  }
  const text = texts.join('\n');
  if (kind === 'user') turns.hear(text, hasMore);
  for (const read of later) read();
  if (kind === 'assistant') turns.say(kind, text);
}

/** Takes the results that one message of the AI SDK's tool role holds. */
export function readToolMessage(content: readonly unknown[], turns: TurnsBackwards): void {
  for (let i = content.length - 1; i >= 0; i--) {
    const block = fields(content[i]);
    if (block !== undefined) readTool(block, turns);
  }
}

function isTool({ type }: Fields): boolean {
  return type === 'tool_use' || type === 'tool_result' || type === 'tool-call' || type === 'tool-result';
}

function readTool(block: Fields, turns: TurnsBackwards): void {
  switch (block['type']) {
    case 'tool_use':
      return turns.call(block['id'], block['name'], block['input']);
    case 'tool_result':
      return turns.result(block['tool_use_id'], contentOf(block['content'] ?? ''), block['is_error'] === true);
    case 'tool-call':
      return turns.call(block['toolCallId'], block['toolName'], block['input'] ?? block['args']);
    case 'tool-result':
      return readOutput(block, turns);
  }
}

/** The AI SDK's outputs: `text`, `json`, `content`, and what says that it failed. */
function readOutput(block: Fields, turns: TurnsBackwards): void {
  const output = fields(block['output']);
  const type = output?.['type'];
  const value = output === undefined ? (block['result'] ?? null) : (output['value'] ?? output['reason'] ?? null);
  const failed = type === 'error-text' || type === 'error-json' || type === 'execution-denied';
  // Tools of MCP servers answer with an error of their own.
  const isError = failed || block['isError'] === true || fields(value)?.['isError'] === true;
  turns.result(block['toolCallId'], type === 'content' ? contentOf(value) : value, isError);
}

function refusalOf(block: Fields): string | undefined {
  return block['type'] === 'refusal' && typeof block['refusal'] === 'string' ? block['refusal'] : undefined;
}
