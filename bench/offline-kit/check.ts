/**
 * `kit/check [FILE]`: compares the GPU providers of ONNX Runtime with `cpu` on this machine, times GRPO steps, and writes
 * the results as JSON (default: results.json in the kit). Each part runs in processes of its own; one that cannot run is
 * named with the reason. The exit code is 1 if a part that ran disagreed or failed. MTRL_KIT_MINUTES: time for all parts
 * together (default: 7, so that the check ends within 8).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join, resolve } from 'node:path';
import type { Json } from '../../core/json.ts';
import { projectRoot } from '../../core/project.ts';
import { exitCodeOfParts, leftOutText, partLine, summaryText, verdictOf } from './check-table.ts';
import { findTorch } from './find-torch.ts';
import { type Part, type PartResult, limitMsOf } from './part.ts';
import { type Offers, gpuProviders, partsOf, whyNot } from './parts.ts';
import { readChecks } from './readings.ts';
import { runProgram } from './run-program.ts';
import { findVulkan } from './vulkan.ts';

const limitMs = 60_000 * (Number(process.env['MTRL_KIT_MINUTES']) || 7);
const doctorLimitMs = 60_000;
/** A step ends before its process is stopped. */
const ownShare = 0.9;

const startedAtMs = performance.now();
const file = process.argv[2] === undefined ? join(projectRoot, 'results.json') : resolve(process.argv[2]);
const results: PartResult[] = [];
const machine: Record<string, Json> = {
  cpu: cpus()[0]?.model ?? 'unknown',
  coreCount: cpus().length,
  kernel: release(),
  driver: firstLineOf('/proc/driver/nvidia/version'),
};

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => process.exit(code));
writeResults();
const { vulkan, tried } = await findVulkan();
machine['vulkan'] = { tried, ...(vulkan && { by: vulkan.by, devices: vulkan.devices as unknown as Json }) };
say(`vulkan: ${tried.join('; ')}`);
const environment = vulkan?.environment ?? {};
await runPart(
  {
    ...{ name: 'doctor', program: new URL('./machine.ts', import.meta.url), args: () => [], environment, weight: 1 },
    read: readChecks,
  },
  doctorLimitMs,
);
const torch = await findTorch();
const { leftOut: torchLeftOut, ...foundTorch } = torch;
machine['torch'] = torchLeftOut ?? foundTorch;
const offers = await Promise.all(
  gpuProviders.map(async (provider) => {
    const own = provider === 'webgpu' ? environment : {};
    const leftOut = await whyNot(provider, own);
    return [provider, { environment: own, ...(leftOut !== undefined && { leftOut }) }] as const;
  }),
);
const parts = partsOf({ providers: Object.fromEntries(offers) as Offers['providers'], torch });
say(leftOutText(parts));
for (const [index, part] of parts.entries())
  await runPart(part, limitMsOf(parts, index, limitMs - (performance.now() - startedAtMs)));
say(`\n${summaryText(results)}\n\nresults: ${file}`);
process.exitCode = exitCodeOfParts(results);

async function runPart(part: Part, partLimitMs: number): Promise<void> {
  const result = await resultOf(part, partLimitMs);
  results.push(result);
  if (part.leftOut === undefined) say(partLine(result));
  writeResults();
}

/** Before the first part, so that a file that cannot be written is known; after each, for a check that is interrupted. */
function writeResults(): void {
  const kit = JSON.parse(readFileSync(join(projectRoot, 'kit.json'), 'utf8')) as Json;
  const written = { kit, machine, verdict: verdictOf(results), parts: results };
  try {
    writeFileSync(file, `${JSON.stringify(written, null, 1)}\n`);
  } catch (error) {
    process.stderr.write(`the results cannot be written: ${(error as Error).message}\n  do    kit/check FILE\n`);
    process.exit(2);
  }
}

async function resultOf(part: Part, partLimitMs: number): Promise<PartResult> {
  const { name, program, args, leftOut, read } = part;
  if (leftOut !== undefined) return { name, status: 'left out', found: leftOut, seconds: 0, lines: [] };
  const ran = await runProgram(program, args((ownShare * partLimitMs) / 1000), part.environment, partLimitMs);
  const { lines, end, reason, seconds } = ran;
  const { found, hasCompared, problems } = read(lines);
  const wrong = hasCompared ? 'differs' : 'failed';
  const right = hasCompared ? 'agreed' : 'done';
  const status = problems.length > 0 ? wrong : end === 'done' ? right : end;
  const text = [...problems, reason, found].filter((each) => each !== '').join('; ');
  return { name, status, found: text, seconds, lines };
}

function firstLineOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').split('\n')[0] ?? null;
  } catch {
    return null;
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
