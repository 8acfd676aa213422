import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Mastra } from '@mastra/core';
import { Agent } from '@mastra/core/agent';
import { ModelRouterLanguageModel } from '@mastra/core/llm';
import { ProcessorRunner } from '@mastra/core/processors';
import { Run } from '@mastra/core/workflows';
import { StepExecutor } from '@mastra/core/workflows/evented';
import { ConfigError } from '@agentkavach/core';
import { describe, expect, it } from 'vitest';
import { KavachGateway } from './gateway.ts';
import { HANDLERS } from './handlers.ts';
import { gatewayOf, hookInto, mastraOf, missingHooks, TESTED_WITH } from './hooks.ts';

const require = createRequire(import.meta.url);
const { version } = JSON.parse(readFileSync(require.resolve('@mastra/core/package.json'), 'utf8')) as {
  version: string;
};

describe(`the hooks into @mastra/core ${version}`, () => {
  it(`are those of ${TESTED_WITH}`, () => {
    expect(
      version.startsWith(`${TESTED_WITH}.`),
      `@mastra/core is ${version}, the hooks were tested with ${TESTED_WITH}: read src/hooks.ts again, run the tests, and change TESTED_WITH.`,
    ).toBe(true);
  });

  it('are all there', () => {
    expect(missingHooks(), `@mastra/core ${version} has lost what src/hooks.ts takes hold of`).toEqual([]);
  });

  it('find an agent’s Mastra instance, and a router’s gateway', () => {
    const agent = new Agent({ id: 'a', name: 'a', instructions: '', model: 'openai/gpt-4o' });
    expect(mastraOf(agent)).toBeUndefined();
    const gateway = new KavachGateway((model) => model);
    const router = new ModelRouterLanguageModel('openai/gpt-4o', [gateway]);
    expect(gatewayOf(router), `@mastra/core ${version} keeps a router's gateway elsewhere`).toBe(gateway);
  });

  it('name what has gone, and refuse to register', () => {
    class Changed {
      getMastraInstance() {}
      getMemory() {}
      generate() {}
      stream() {}
      prepareModels() {}
    }
    expect(missingHooks({ Agent: Changed, ProcessorRunner, Run, StepExecutor })).toEqual([
      'Agent.prototype.resolveModelConfig',
    ]);
    const hook = Object.getOwnPropertyDescriptor(ProcessorRunner.prototype, 'runProcessInputStep');
    Object.defineProperty(ProcessorRunner.prototype, 'runProcessInputStep', { value: undefined, configurable: true });
    try {
      const register = () => hookInto(HANDLERS, new Mastra());
      expect(register).toThrow(ConfigError);
      expect(register).toThrow(
        /has no ProcessorRunner\.prototype\.runProcessInputStep, .*tested with @mastra\/core 1\.71: use that version/s,
      );
    } finally {
      Object.defineProperty(ProcessorRunner.prototype, 'runProcessInputStep', hook ?? {});
    }
  });

  it('are taken once, however many plugins there are', () => {
    hookInto(HANDLERS, new Mastra());
    const hooked: unknown = Reflect.get(Agent.prototype, 'resolveModelConfig');
    hookInto(HANDLERS, new Mastra());
    expect(Reflect.get(Agent.prototype, 'resolveModelConfig')).toBe(hooked);
  });
});
