import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV2 } from '@ai-sdk/provider';
import { Mastra } from '@mastra/core';
import { Agent } from '@mastra/core/agent';
import type { MastraModelGatewayInterface } from '@mastra/core/llm';
import type { InputProcessor } from '@mastra/core/processors';
import { AgentKavach, Budget } from '@agentkavach/core';
import { expectTypeOf, it } from 'vitest';
import { kavach, type KavachPlugin } from '../src/index.ts';

// Assignments without a cast: the compiler is the test.
it('fits Mastra’s own types without casts', () => {
  const guard = new AgentKavach({ budget: Budget.total(1) });
  const plugin: KavachPlugin = kavach(guard, { strict: false, onKillStream: 'truncate' });
  const fromOptions: KavachPlugin = kavach({ budget: Budget.daily(5), strict: false });
  const gateway: MastraModelGatewayInterface = plugin.gateway;
  const processor: InputProcessor = plugin.processor();
  // The provider's own type of this version does not fit Mastra 1.71; the guarded one does.
  const agent = new Agent({
    id: 'a',
    name: 'a',
    instructions: 'Answer.',
    model: plugin.model(createOpenAI({ apiKey: 'test' })('gpt-4o')),
    inputProcessors: [plugin.processor()],
  });
  const mastra = plugin.register(new Mastra({ agents: { agent }, gateways: { mine: plugin.gateway } }));
  void [fromOptions, gateway, processor];

  expectTypeOf(mastra.getAgent('agent').id).toEqualTypeOf<'a'>();
  expectTypeOf(plugin.model<LanguageModelV2>).returns.toEqualTypeOf<LanguageModelV2>();
});
