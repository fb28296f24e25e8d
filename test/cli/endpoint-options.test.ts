/** Who `mtrl evaluate` and `mtrl judge` ask. */
import { expect, test } from 'vitest';
import { askedOf } from '../../cli/endpoint-options.ts';

const ask: readonly string[] = [];

test('a policy, or a model behind an endpoint with its settings', () => {
  expect(askedOf({ policy: 'base', ask })).toBe('base');
  const choice = { endpoint: 'http://127.0.0.1:1', model: 'big', ask: ['requestCountMax=2'] };
  expect(askedOf(choice)).toEqual(choice);
});

test.each([
  [{ ask }, 'nobody is asked'],
  [{ endpoint: 'http://127.0.0.1:1', ask }, 'the endpoint needs a model'],
  [{ policy: 'base', endpoint: 'http://127.0.0.1:1', model: 'big', ask }, 'cannot be asked at once'],
  [{ policy: 'base', model: 'big', ask }, '--model and --ask are for an endpoint'],
  [{ policy: 'base', ask: ['timeoutMs=1'] }, '--model and --ask are for an endpoint'],
])('%j is refused', (options, message) => {
  expect(() => askedOf(options)).toThrow(message);
});
