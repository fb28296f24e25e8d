/**
 * A workflow's commands may depend only on its history: a value that differs between a run and its replay makes the
 * workflow fail every task (TMPRL1100).
 */
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { expectNone } from '../support/expect-none.ts';
import { projectFiles, textOf } from '../support/source-files.ts';

const forbidden = /^(Date|performance|historyLength|historySize|continueAsNewSuggested|unsafe|uuid4|sleep|setTimeout)$/;
/** Spans have identifiers from a random stream of their own and send no commands. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'workflows/clock.ts': ['Date'],
  'workflows/spans.ts': ['uuid4'],
};
const clock = /^(nowMs|elapsedMs|wallMs|startedAtMs)$/;

function nodesOf(node: ts.Node): ts.Node[] {
  const found: ts.Node[] = [node];
  ts.forEachChild(node, (child) => {
    found.push(...nodesOf(child));
  });
  return found;
}

/** Expressions of a source whose value may differ between a run and its replay. */
function problemsOf(path: string, text: string): string[] {
  const nodes = nodesOf(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return nodes.filter(ts.isIdentifier).flatMap((name) => {
    if (forbidden.test(name.text) && !allowed[path]?.includes(name.text)) return [`${path}: ${name.text}`];
    const isTold = clock.test(name.text) && isCompared(name);
    const isRandom = name.text === 'Math' && name.parent.getText() === 'Math.random';
    return isTold || isRandom ? [`${path}: ${name.parent.getText()}`] : [];
  });
}

const comparisons = new Set([
  ts.SyntaxKind.LessThanToken,
  ts.SyntaxKind.LessThanEqualsToken,
  ts.SyntaxKind.GreaterThanToken,
  ts.SyntaxKind.GreaterThanEqualsToken,
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
]);

function isCompared(node: ts.Node): boolean {
  for (let at = node.parent; !ts.isStatement(at) && !ts.isSourceFile(at); at = at.parent)
    if (ts.isBinaryExpression(at) && comparisons.has(at.operatorToken.kind)) return true;
  return false;
}

describe('commands of a workflow', () => {
  it('do not depend on a clock, on randomness or on the length of the history', () => {
    const paths = projectFiles().filter((path) => /^workflows\/.*\.ts$/.test(path));
    expectNone(paths.flatMap((path) => problemsOf(path, textOf(path))));
  });

  it.each([
    ['if (Date.now() - this.#toldAtMs >= tellEveryMs) this.tell();'],
    ['if (elapsedMs(told) >= tellEveryMs) tell();'],
    ['const { continueAsNewSuggested } = workflowInfo();'],
    ['if (workflowInfo().historyLength > 2_500) await continueAsNew();'],
    ['if (Math.random() < 0.5) tell();'],
    ['await sleep(1_000);'],
  ])('are reported if they do: %s', (text) => {
    expect(problemsOf('workflows/run.ts', text)).not.toEqual([]);
  });
});
