/** Finds a Python with PyTorch, and the device that it computes on. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Offer } from './parts.ts';

const names = [
  'python3',
  '/usr/local/bin/python3',
  '/usr/bin/python3',
  '/opt/conda/bin/python3',
  '/opt/venv/bin/python3',
];
const script =
  'import sys, torch; cuda = torch.cuda.is_available(); ' +
  'print(sys.executable, torch.__version__, "cuda" if cuda else "cpu", torch.cuda.get_device_name() if cuda else "", sep="\\n")';
/** The first import of PyTorch reads gigabytes. */
const importMs = 30_000;

export type Torch = Offer & { readonly device: string; readonly version: string; readonly deviceName: string };

/** The interpreter in MTRL_BENCH_PYTHON, or the first with PyTorch. */
export async function findTorch(): Promise<Torch> {
  const named = process.env['MTRL_BENCH_PYTHON'];
  const tried: string[] = [];
  for (const name of named === undefined || named === '' ? names : [named]) {
    try {
      const { stdout } = await promisify(execFile)(name, ['-c', script], { timeout: importMs });
      const [python = name, version = '', device = 'cpu', deviceName = ''] = stdout.trim().split('\n');
      return { environment: { MTRL_BENCH_PYTHON: python }, device, version, deviceName };
    } catch (error) {
      const { code, killed, stderr = '' } = error as Error & { code?: unknown; killed?: boolean; stderr?: string };
      const said = stderr.trim().split('\n').at(-1) ?? '';
      tried.push(`${name}: ${code === 'ENOENT' ? 'not there' : killed === true ? 'does not import it in time' : said}`);
    }
  }
  const leftOut = `no Python with PyTorch (${tried.join('; ')}); MTRL_BENCH_PYTHON names one`;
  return { environment: {}, device: 'cuda', version: '', deviceName: '', leftOut };
}
