/** Which of a request's tools the provider runs itself, and what they are. */
import { fields, text, type Fields } from './shape.ts';

/** Provider tools that the caller runs: each call comes back as an answer of its own. */
const CALLER_RUN = /^(bash|computer|text_editor|memory|local_shell|apply_patch|custom)/;

/** Whether the provider runs the tool, as often as it likes, inside one request. */
export function isHosted(tool: Fields | null | undefined): tool is Fields {
  // V2 models call them provider-defined.
  if (tool?.['type'] !== 'provider' && tool?.['type'] !== 'provider-defined') return false;
  const kind = kindOf(tool);
  if (kind === 'shell') return isHostedShell(tool);
  if (kind === 'tool_search') return fields(tool['args'])?.['execution'] !== 'client';
  return !CALLER_RUN.test(kind);
}

/** OpenAI's shell runs in a container of OpenAI's, unless the caller's own is named. */
function isHostedShell(tool: Fields): boolean {
  const environment = text(fields(fields(tool['args'])?.['environment'])?.['type']);
  return environment !== undefined && environment !== 'local';
}

/** `anthropic.web_search_20250305` → `web_search`. */
export function kindOf(tool: Fields): string {
  const id = text(tool['id']) ?? '';
  return id.slice(id.indexOf('.') + 1).replace(/_\d{8}$/, '');
}

/** `anthropic.web_search_20250305` → `anthropic`. */
export function prefixOf(id: string): string {
  return id.slice(0, Math.max(0, id.indexOf('.')));
}
