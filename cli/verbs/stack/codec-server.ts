import type { Command } from 'commander';
import { MtrlError } from '../../../core/errors.ts';
import { codecAddressOf, startCodecServer } from '../../../infra/payloads/codec-server.ts';
import { EncryptionCodec } from '../../../infra/payloads/encryption-codec.ts';
import { keyFileVariable, keyRingOf } from '../../../infra/payloads/key-ring.ts';
import { readSettings } from '../../../infra/stack/settings.ts';
import { commandText, say } from '../../show/output.ts';
import { untilInterrupted } from '../../until-interrupted.ts';

export function addCodecServer(command: Command): void {
  command
    .description(
      'Listens at MTRL_CODEC_ADDRESS (127.0.0.1:8235) until Ctrl-C. `up` tells the local Web UI this address if ' +
        `${keyFileVariable} is set; the \`temporal\` command takes it as --codec-endpoint.`,
    )
    .action(async () => {
      const ring = keyRingOf(process.env);
      if (ring === undefined) {
        throw new MtrlError('USAGE', 'there are no keys to decrypt with', {
          where: `environment variable ${keyFileVariable}`,
          found: 'it is not set',
          hint: `make a key file with \`${commandText('payload-key FILE')}\``,
        });
      }
      const { host, port } = codecAddressOf(process.env);
      const origin = readSettings().temporal.uiUrl;
      const server = await startCodecServer({ host, port, origin, codec: new EncryptionCodec(ring) });
      say(`decrypting for ${origin ?? 'no Web UI (set MTRL_TEMPORAL_UI_URL)'} at http://${host}:${String(port)}`);
      await untilInterrupted();
      server.close();
      server.closeAllConnections();
    });
}
