/**
 * infra/compose.yaml as compose reads it: merged, with variables resolved. Only the parts of the specification that the
 * file uses are known; another field, or another form of a variable, is an error.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { projectRoot } from '../../../core/project.ts';

export const composeFolder = join(projectRoot, 'infra');

type Variables = Readonly<Record<string, string>>;

const durationMs = z
  .string()
  .regex(/^\d+s$/)
  .transform((text) => 1000 * Number.parseInt(text, 10));

const conditions = z.enum(['service_started', 'service_healthy', 'service_completed_successfully']);
export type Condition = z.infer<typeof conditions>;

const healthcheck = z.union([
  z.strictObject({ disable: z.literal(true) }).transform(() => undefined),
  z.strictObject({
    test: z.tuple([z.literal('CMD')], z.string()).transform(([, ...command]) => command),
    interval: durationMs,
    timeout: durationMs,
    retries: z.int(),
    start_period: durationMs.optional(),
  }),
]);

const service = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
  entrypoint: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  // source:target, or source:target:ro
  volumes: z.array(z.string()).default([]),
  // address:published port:port
  ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+$/)).default([]),
  healthcheck: healthcheck.optional(),
  depends_on: z
    .union([
      z.record(z.string(), z.strictObject({ condition: conditions })),
      z.array(z.string()).transform((names) => {
        const started: Condition = 'service_started';
        return Object.fromEntries(names.map((name) => [name, { condition: started }]));
      }),
    ])
    .default({}),
  restart: z.enum(['unless-stopped', 'on-failure:5']),
  // Docker's own.
  stop_grace_period: durationMs.default(10_000),
  stop_signal: z.enum(['SIGTERM', 'SIGINT', 'SIGQUIT']).optional(),
  deploy: z.strictObject({ replicas: z.int() }).optional(),
});

const file = z.looseObject({
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.null()),
});

export type ComposeService = z.infer<typeof service>;
export type ComposeFile = z.infer<typeof file>;

export function composeText(): string {
  return readFileSync(join(composeFolder, 'compose.yaml'), 'utf8');
}

/** The file before its form is checked. */
export function resolvedCompose(variables: Variables): unknown {
  return resolved(parse(composeText(), { merge: true }), variables);
}

/** Throws naming the place of what is not known, or the variable that is not set. */
export function readCompose(variables: Variables): ComposeFile {
  const { error, data } = file.safeParse(resolvedCompose(variables));
  if (error) throw new Error(`infra/compose.yaml: ${z.prettifyError(error)}`);
  return data;
}

/** Variables of a file such as compose.env.example; an empty value is an empty text. */
export function readEnvFile(name: string): Variables {
  const lines = readFileSync(join(composeFolder, name), 'utf8').split('\n');
  const set = lines.filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    set.map((line) => {
      const [, variable, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      if (variable === undefined || value === undefined) throw new Error(`${name}: ${line}`);
      return [variable, value];
    }),
  );
}

function resolved(value: unknown, variables: Variables): unknown {
  if (typeof value === 'string') return withVariables(value, variables);
  if (Array.isArray(value)) return value.map((item) => resolved(item, variables));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const made = resolved(item, variables);
      // The one number that a variable sets: compose types fields after variables.
      return [key, key === 'replicas' ? Number(made) : made];
    }),
  );
}

/** `$$` is a dollar, `${A:-b}` is b if A is empty, `${A:?why}` is an error if A is empty. */
function withVariables(text: string, variables: Variables): string {
  return text.replace(/\$(?:(\$)|\{(\w+):([-?])([^}]*)\})?/g, (found, dollar, name: string, form, word: string) => {
    if (dollar !== undefined) return '$';
    if (form === undefined) throw new Error(`infra/compose.yaml: ${found} in ${text} is no variable of a known form`);
    const value = variables[name] ?? '';
    if (value !== '') return value;
    if (form === '-') return word;
    throw new Error(`infra/compose.yaml needs ${name}: ${word}`);
  });
}
