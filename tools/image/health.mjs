// Health probe of the containers: exits 0 when the service at the URL says it can do its work, else 1 with a line.
//
//   node /app/health.mjs grpc://127.0.0.1:5001             the gRPC health service says SERVING
//   node /app/health.mjs http://127.0.0.1:3000/readyz/traffic      the answer is 2xx
//
// With the service's own TLS_CERT_FILE, TLS_KEY_FILE and TLS_CA_FILE it asks over TLS. It lies beside node_modules in the image, and uses what every app has there.
import { readFileSync } from 'node:fs';

const TIMEOUT_MS = 3_000;

const url = new URL(process.argv[2]);
try {
  await (url.protocol === 'grpc:' ? checkGrpc(url.host) : checkHttp(url));
  process.exit(0);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

async function checkHttp(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
}

async function checkGrpc(address) {
  const { makeGenericClientConstructor } = await import('@grpc/grpc-js');
  const { service } = await import('grpc-health-check');
  const Client = makeGenericClientConstructor(service, 'grpc.health.v1.Health');
  const client = new Client(address, await security(), { 'grpc.ssl_target_name_override': 'localhost' });
  const { status } = await new Promise((resolve, reject) => {
    const deadline = Date.now() + TIMEOUT_MS;
    client.check({ service: '' }, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
  if (status !== 'SERVING') throw new Error(`The service is ${status}`);
}

async function security() {
  const { credentials } = await import('@grpc/grpc-js');
  const { TLS_CERT_FILE, TLS_KEY_FILE, TLS_CA_FILE } = process.env;
  if (!TLS_CERT_FILE) return credentials.createInsecure();
  const [ca, key, certificate] = [TLS_CA_FILE, TLS_KEY_FILE, TLS_CERT_FILE].map((file) => readFileSync(file));
  // Whatever name the certificate has: it is the service beside the probe that answers on the loopback.
  return credentials.createSsl(ca, key, certificate, { checkServerIdentity: () => undefined });
}
