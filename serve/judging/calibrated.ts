/** The calibration of a request that asks for calibrated probabilities. */
import { MtrlError } from '../../core/errors.ts';
import { type AppliedTemperature, temperatureFor } from '../../pipeline/asking/calibration.ts';
import { HttpError } from '../http/http-error.ts';
import type { ServedPolicy } from '../policies/served-policy.ts';
import type { JudgeRequest } from './judge-request.ts';

/** Undefined if the request does not ask for it. Throws HttpError if the server has none for this task, mode or version. */
export function calibrationOf(
  { calibration, checkpoint, recipe, mode: usual }: ServedPolicy,
  { task, mode = usual, calibrated = false }: JudgeRequest,
): AppliedTemperature | undefined {
  if (!calibrated) return undefined;
  if (calibration === undefined)
    throw new HttpError(400, 'the server was started without a calibration', { param: 'calibrated' });
  try {
    return temperatureFor(calibration, { recipe, policy: checkpoint.sha256, mode, task });
  } catch (error) {
    if (!(error instanceof MtrlError) || error.code !== 'USAGE') throw error;
    const message = [error.message, error.details.found].filter(Boolean).join('; ');
    throw new HttpError(400, message, { param: 'calibrated', cause: error });
  }
}
