/** An HTTP server, behind TLS if there is a certificate. */
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';

/** In PEM. */
export interface Certificate {
  /** The server's own, with those between it and a root. */
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Only clients with a certificate of this authority are served (mutual TLS). */
  readonly clientCa?: Buffer;
}

export function webServer(certificate: Certificate | undefined, listener: RequestListener): Server {
  if (certificate === undefined) return createHttpServer(listener);
  const { cert, key, clientCa } = certificate;
  const clients = clientCa && { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return createHttpsServer({ cert, key, ...clients, minVersion: 'TLSv1.2' }, listener);
}

export function schemeOf(certificate: Certificate | undefined): 'http' | 'https' {
  return certificate === undefined ? 'http' : 'https';
}
