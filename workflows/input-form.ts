/** Checks the form of a workflow's input, which may be hand-written JSON. */
import { ApplicationFailure } from '@temporalio/workflow';

export interface InputForm {
  /** A valid input, to be copied. */
  readonly example: string;
  readonly required: readonly string[];
  readonly optional?: readonly string[];
}

/** Throws USAGE for input that is not an object, lacks a field, or has an unknown one. */
export function requireForm(input: unknown, { example, required, optional = [] }: InputForm): void {
  const problem = problemOf(input, required, optional);
  if (problem !== undefined) throw wrongInput(problem, example);
}

export function wrongInput(problem: string, example: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`the workflow's input ${problem}\n  do    send ${example}`, 'USAGE');
}

function problemOf(input: unknown, required: readonly string[], optional: readonly string[]): string | undefined {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return 'is not an object';
  const names = Object.keys(input);
  const missing = required.find((name) => !names.includes(name));
  if (missing !== undefined) return `has no ${missing}`;
  const unknown = names.find((name) => !required.includes(name) && !optional.includes(name));
  return unknown === undefined ? undefined : `has ${unknown}, which is not a field of it`;
}
