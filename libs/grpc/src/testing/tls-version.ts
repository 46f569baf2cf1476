import { connect } from 'node:tls';
import type { CertificateAuthority } from '@parley/certs';
import type { EchoService } from './echo-service.ts';

/** The version of TLS that a server speaks with the holder of a certificate, or refused. */
export async function spokenWith(
  echo: EchoService,
  by: CertificateAuthority,
  maxVersion: 'TLSv1.2' | 'TLSv1.3',
): Promise<string | null> {
  const { certificate, key } = await by.issue({ name: 'gateway', days: 1 });
  return new Promise((resolve) => {
    const socket = connect({
      host: '127.0.0.1',
      port: Number(echo.running.address.split(':')[1]),
      servername: 'flow-catalog',
      cert: certificate,
      key,
      ca: by.certificate,
      ALPNProtocols: ['h2'],
      maxVersion,
    });
    socket.once('secureConnect', () => {
      resolve(socket.getProtocol());
      socket.destroy();
    });
    socket.once('error', () => resolve('refused'));
  });
}
