/** A stream that shows some chunks and then nothing: whatever the machine does, the provider can't be done first. */
import type { Reply } from '@agentkavach/simulator';

/** Far more chunks than a framework reads ahead, and then silence. */
export const stalling: Reply = {
  tokens: 3000,
  chunkTokens: 1,
  hold: new Promise(() => undefined),
  holdAfterChunks: 40,
};
