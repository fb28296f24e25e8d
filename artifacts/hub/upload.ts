/** Uploads a folder to a repository of the Hub, as one commit. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createRepo, repoExists, uploadFilesWithProgress } from '@huggingface/hub';
import { type HubAddress, hubAddressText } from '../../core/hub-address.ts';
import { MtrlError } from '../../core/errors.ts';
import { hubError } from './hub-errors.ts';
import type { HubSettings } from './hub-settings.ts';

export interface UploadProgress {
  readonly file: string;
  /** From 0 to 1. */
  readonly done: number;
}

/**
 * A repository that does not exist is created as a private one. Returns the commit's address.
 * @param address of a model without a path; its revision is the branch
 * @throws HUB_REFUSED without a token or permission, HUB_UNREACHABLE
 */
export async function uploadFolder(
  settings: HubSettings,
  address: HubAddress,
  folder: string,
  title: string,
  onProgress: (progress: UploadProgress) => void,
): Promise<string> {
  const { endpoint: hubUrl, token: accessToken } = settings;
  const where = hubAddressText(address);
  if (accessToken === undefined)
    throw new MtrlError('HUB_REFUSED', 'uploading to the Hub needs a token', {
      where,
      hint: 'set HF_TOKEN to a token that may write to this repository',
    });
  const repo = { type: address.type, name: address.name };
  try {
    if (!(await repoExists({ repo, hubUrl, accessToken })))
      await createRepo({ repo, hubUrl, accessToken, visibility: 'private' });
    const names = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = names
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => ({ path: path.slice(join(folder, '/').length), content: pathToFileURL(path) }));
    const upload = uploadFilesWithProgress({
      ...{ repo, hubUrl, accessToken, files, commitTitle: title, branch: address.revision },
    });
    for (;;) {
      const { done, value } = await upload.next();
      if (done === true) return hubAddressText({ ...address, revision: value?.commit.oid ?? address.revision });
      if (value.event === 'fileProgress') onProgress({ file: value.path, done: value.progress });
    }
  } catch (error) {
    throw hubError(error, address, settings);
  }
}
