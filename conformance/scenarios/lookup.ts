/** A model that never stops asking for a tool, and the tool. */
import type { Reply } from '@agentkavach/simulator';
import type { ToolSpec } from '../subject.ts';

/** A tool that finds nothing, so that a model may ask again for ever. */
export const lookup: ToolSpec = { name: 'lookup', execute: () => 'nothing found' };

/** An answer that asks for the tool once. */
export const asksForLookup: Reply = { toolCalls: [{ name: 'lookup' }] };
