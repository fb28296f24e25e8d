import eslint from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Rooms whose results must be a function of their inputs alone: randomness comes from core/rng.ts, time from nowhere. */
const pureRooms = ['core/**/*.ts', 'judge/**/*.ts', 'policy/**/*.ts'];

const noRandom = {
  object: 'Math',
  property: 'random',
  message: 'Draw from core/rng.ts: a run must give the same bits twice.',
};
const noDate = { name: 'Date', message: 'A result must not depend on when it was computed.' };

export default defineConfig(
  { ignores: ['node_modules/', '.mtrl/', 'dist/', 'coverage/', 'infra/temporal/', 'infra/minio/', 'test/fixtures/'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      // A number in a message is what it looks like.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `(text) => show(text)` and an early `return fail()` are clear; a block around them says no more.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // The fakes of the tests stand where a class stands by its shape.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Code points are what `[...text]` is for.
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      // A name of its own for what is, today, another interface.
      '@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'with-single-extends' }],
      // `while (true)` with a return inside is how a loop without a condition is written.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    // linkedom's own types want the browser's library, which nothing here runs in: its documents are untyped.
    files: ['judge/report/**/*.ts', 'test/report/**/*.ts', 'bench/*-plot.ts', 'bench/dynamics-page.ts'],
    rules: Object.fromEntries(
      ['assignment', 'call', 'member-access', 'return', 'argument'].map((kind) => [
        `@typescript-eslint/no-unsafe-${kind}`,
        'off',
      ]),
    ),
  },
  {
    // Node runs these as they are: no types to check.
    files: ['**/*.mjs', '**/*.js'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly', setTimeout: 'readonly' } },
  },
  {
    files: pureRooms,
    rules: {
      'no-restricted-properties': ['error', noRandom],
      'no-restricted-globals': ['error', noDate],
    },
  },
  {
    // A query advances a workflow with other times and another length of its history than its replay has.
    files: ['workflows/**/*.ts'],
    ignores: ['workflows/clock.ts'],
    rules: {
      'no-restricted-properties': ['error', noRandom],
      'no-restricted-globals': [
        'error',
        { ...noDate, message: 'Show a time by workflows/clock.ts, decide nothing by it.' },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'Identifier[name=/^(historyLength|historySize|continueAsNewSuggested)$/]',
          message: 'Count what the workflow has done: these differ between a run and its replay.',
        },
      ],
    },
  },
);
