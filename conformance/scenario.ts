/** A scenario: what a simulated model does, what is asked of it, and what must hold whoever asks. It names no framework. */
import type { AgentKavach, KavachErrorCode, KavachOptions } from '@agentkavach/core';
import type { FakeClock } from '@agentkavach/core/testing';
import type { Script, Simulator } from '@agentkavach/simulator';
import type { Task } from './subject.ts';

/**
 * What the guard charges. `exact`: what the provider billed, to the nano-dollar. `seen`: an estimate of the input and of
 * the output that the stream showed. `whole`: the reservation, as an estimate. Estimates are never below the bill.
 */
export type ChargeRule = 'exact' | 'seen' | 'whole';

/** The output cap, in tokens, that scenarios set whose charge is an estimate. */
export const CAP = 4000;

/** What must hold in the end. */
export interface Expectation {
  /** HTTP requests that the provider received. */
  readonly requests: number;
  /** Calls that the guard counted. Default: the requests. */
  readonly calls?: number;
  /** The last of the requests, that went out with the subject’s cheaper model. Default 0. */
  readonly switched?: number;
  readonly charge: ChargeRule;
  /** The code of our error inside what the caller got; left out where it must get none of ours. */
  readonly refusal?: KavachErrorCode | undefined;
}

/** How one task ended. */
export interface Attempt {
  /** The last text; `undefined` after an error. */
  readonly text?: string;
  readonly error?: unknown;
}

/** What a scenario is played on. */
export interface Stage {
  readonly sim: Simulator;
  readonly guard: AgentKavach;
  /** The guard's clock, which stands still. */
  readonly clock: FakeClock;
  /** Gives the subject a task. Never rejects. */
  attempt(task: Omit<Task, 'guard'>): Promise<Attempt>;
}

/** What a scenario may know of the subject's model. */
export interface ModelFacts {
  /** The price of so many tokens, in dollars. */
  usd(tokens: { readonly input: number; readonly output: number }): number;
  /** A cheaper model of the same provider. */
  readonly cheaper: string;
}

/** One scenario. */
export interface Scenario {
  /** What subjects name in their departures. */
  readonly id: string;
  /** What happens, in a few words. */
  readonly title: string;
  /** What must hold, in a sentence. */
  readonly promise: string;
  /** What it asks of a subject. Default: nothing special. */
  readonly needs?: 'a stream' | 'a cache' | 'a stop condition';
  readonly expected: Expectation;
  /** What holds instead where the subject streams. */
  readonly streamed?: Partial<Expectation>;
  /** The guard's options, its clock apart. */
  options(facts: ModelFacts): KavachOptions;
  /** A fresh script for the simulated model. */
  script(): Script;
  /** @returns the attempt whose error is held against `refusal` */
  play(stage: Stage): Promise<Attempt>;
}
