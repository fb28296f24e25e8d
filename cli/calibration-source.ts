/** `--calibration C`: a file that `mtrl calibrate --to` wrote, or the address of a stored calibration. */
import { readFile } from 'node:fs/promises';
import { parseJsonBytes } from '../artifacts/codecs/json-value.ts';
import type { ArtifactStore } from '../artifacts/store/artifact-store.ts';
import { MtrlError } from '../core/errors.ts';
import { type Calibration, calibrationIn } from '../pipeline/asking/calibration.ts';
import { artifactAt } from './artifact-at.ts';
import { userPath } from './user-path.ts';

export const calibrationForms = 'a file written by `calibrate --to`, or the address of a stored calibration';

/** @param store of addresses; undefined without a local stack. Throws USAGE, FILE_MISSING, ARTIFACT_MISSING. */
export async function readCalibration(named: string, store: ArtifactStore | undefined): Promise<Calibration> {
  const isAddress = /^(s3|file):\/\//.test(named);
  if (isAddress && store !== undefined) {
    return calibrationIn(await store.getJson(await artifactAt(store, named)), named);
  }
  if (isAddress)
    throw new MtrlError('USAGE', 'a checkpoint on this machine is served without the store', {
      ...{ where: '--calibration', found: named },
      hint: `write the calibration to a file: \`mtrl fetch ${named} --to calibration.json\``,
    });
  const path = userPath(named);
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined)
    throw new MtrlError('FILE_MISSING', 'the calibration cannot be read', { where: '--calibration', found: path });
  return calibrationIn(parseJsonBytes(bytes), path);
}
