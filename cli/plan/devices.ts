/** Peak rates of dense BF16 matrix products, as their makers state them, and memory. */
import { MtrlError } from '../../core/errors.ts';

export interface Device {
  readonly name: string;
  /** FLOPs per second. */
  readonly peak: number;
  readonly memoryByteLength?: number;
}

/** Data sheets of NVIDIA: A100 80GB (June 2021), L40S (October 2023), H100 SXM (March 2023), H200 SXM (November 2023). */
export const knownDevices: readonly Device[] = [
  { name: 'A100', peak: 312e12, memoryByteLength: 80e9 },
  { name: 'L40S', peak: 362e12, memoryByteLength: 48e9 },
  { name: 'H100', peak: 989e12, memoryByteLength: 80e9 },
  { name: 'H200', peak: 989e12, memoryByteLength: 141e9 },
];

export interface Utilization {
  /** Shares of the peak that training and sampling reach. */
  readonly training: number;
  readonly sampling: number;
}

/** Hours that one device computes. */
export function hoursOn(
  { peak }: Device,
  flops: { readonly training: number; readonly sampling: number },
  { training, sampling }: Utilization,
): number {
  return (flops.training / (training * peak) + flops.sampling / (sampling * peak)) / 3600;
}

/** Parses `NAME=TFLOPS`. Throws USAGE. */
export function parseDevice(text: string): Device {
  const [, name, rate] = /^([^=]+)=(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (name !== undefined && Number(rate) > 0) return { name, peak: Number(rate) * 1e12 };
  throw new MtrlError('USAGE', '--device must be NAME=TFLOPS', {
    found: text,
    hint: 'such as --device MI300X=1307: its peak in 10^12 operations a second',
  });
}
