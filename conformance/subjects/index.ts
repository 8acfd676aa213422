/** All ways in, in the order of the page. */
import type { Subject } from '../subject.ts';
import { AI_SDK } from './ai-sdk.ts';
import { ANY_CLIENT } from './any-client.ts';
import { GUARD_CREATE } from './guard-create.ts';
import { LANGCHAIN } from './langchain.ts';
import { MASTRA_FLOWS } from './mastra-flows.ts';
import { MASTRA } from './mastra.ts';
import { OFFICIAL_SDKS } from './official-sdks.ts';

export const SUBJECTS: readonly Subject[] = [
  ...ANY_CLIENT,
  ...AI_SDK,
  ...LANGCHAIN,
  ...MASTRA,
  ...MASTRA_FLOWS,

  ...OFFICIAL_SDKS,
  ...GUARD_CREATE,
];
