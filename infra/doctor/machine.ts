/** Checks of the machine: Node, cores, memory, disk. */
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { readFileSync } from 'node:fs';
import { freeSpace } from '../../core/free-space.ts';
import type { DoctorCheck } from './doctor.ts';

const gib = 1024 ** 3;
const memoryMinGib = 3;
const diskMinGib = 2;

export function checkMachine(home: string): DoctorCheck[] {
  return [checkNode(), checkCores(), checkMemory(), checkDisk(home)];
}

function checkNode(): DoctorCheck {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isNewEnough = major > 20 || (major === 20 && minor >= 19);
  return {
    name: 'node',
    status: isNewEnough ? 'ok' : 'fail',
    found: `${process.version}, ${process.platform}-${process.arch}`,
    ...(!isNewEnough && { hint: 'install Node 20.19 or newer (https://nodejs.org)' }),
  };
}

function checkCores(): DoctorCheck {
  const count = availableParallelism();
  const model = cpus()[0]?.model.trim() ?? '';
  return {
    name: 'cores',
    status: count >= 2 ? 'ok' : 'warn',
    found: `${String(count)}${model === '' || model === 'unknown' ? '' : ` (${model})`}`,
    ...(count < 2 && { hint: 'the demo is meant for two cores and takes longer on one' }),
  };
}

function checkMemory(): DoctorCheck {
  const availableGib = availableMemory() / gib;
  const isEnough = availableGib >= memoryMinGib;
  return {
    name: 'memory',
    status: isEnough ? 'ok' : 'warn',
    found: `${availableGib.toFixed(1)} GiB available of ${(totalmem() / gib).toFixed(1)}`,
    ...(!isEnough && {
      hint: `the demo with its servers needs about ${String(memoryMinGib)} GiB: stop other programs`,
    }),
  };
}

/** Available memory in bytes. freemem() does not count memory that the kernel can reclaim. */
function availableMemory(): number {
  try {
    const kib = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
    return kib === undefined ? freemem() : Number(kib) * 1024;
  } catch {
    return freemem();
  }
}

function checkDisk(home: string): DoctorCheck {
  const freeGib = freeSpace(home).byteLength / gib;
  const isEnough = freeGib >= diskMinGib;
  return {
    name: 'disk',
    status: isEnough ? 'ok' : 'warn',
    found: `${freeGib.toFixed(1)} GiB free for ${home}`,
    ...(!isEnough && {
      hint: `free some: builds, data and logs need ${String(diskMinGib)} GiB; or set MTRL_HOME to another disk`,
    }),
  };
}
