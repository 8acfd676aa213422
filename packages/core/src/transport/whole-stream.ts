/** An answer that came whole although a stream was asked for: some hosts do, and then it is charged as it is. */
import type { StreamResult } from '../call.ts';
import type { WholeAnswer } from './answer.ts';

/** The answer as a stream of one chunk. */
export async function wholeAsStream({
  value,
  usage,
  model,
  toolCalls,
}: WholeAnswer): Promise<StreamResult<Uint8Array>> {
  const bytes = new Uint8Array(await value.arrayBuffer());
  return {
    stream: new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    }),
    meter: (_chunk, meter) => {
      if (model !== undefined) meter.model(model);
      for (let i = 0; i < toolCalls; i++) meter.toolCall();
      // An answer of one piece shows no output on its way: what it does not report, nobody has counted.
      if (usage === undefined) meter.failed();
      else meter.usage(usage);
    },
  };
}
