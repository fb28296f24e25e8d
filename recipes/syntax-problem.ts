/** What is wrong with a file that is no YAML, in the words of a recipe's problems. */
import { type Document, isPair, isScalar, type Scalar, visit, type YAMLError } from 'yaml';
import type { RecipePath, RecipeProblem } from './checks/problem.ts';

export function syntaxProblem(document: Document, { code, message, pos }: YAMLError): RecipeProblem {
  if (code === 'DUPLICATE_KEY')
    return { path: pathOfKey(document, pos[0]), found: 'this name for the second time', allowed: 'each name once' };
  return { path: [], found: (message.split('\n')[0] ?? '').replace(/ at line \d+.*$/, ''), allowed: 'YAML' };
}

/** The path of the key at an offset of the text. */
function pathOfKey(document: Document, offset: number): RecipePath {
  let path: RecipePath = [];
  visit(document, {
    Pair: (_, pair, ancestors) => {
      const { key } = pair;
      if (!isScalar(key) || key.range?.[0] !== offset) return undefined;
      path = [...ancestors.filter(isPair), pair].map((each) => String((each.key as Scalar).value));
      return visit.BREAK;
    },
  });
  return path;
}
