import { readFileSync } from 'node:fs';
import type { Server, ServiceDefinition } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport, type GrpcOptions } from '@nestjs/microservices';
import { DESCRIPTOR_SET_FILE } from '@parley/contracts/descriptors';
import type { Lag, Logger, Metrics, RunningService } from '@parley/service';
import { GrpcErrorFilter } from './error.filter.ts';
import { Health } from './health.ts';
import { RequestInterceptor } from './request.interceptor.ts';
import type { Tls } from './tls.ts';
import { SERVER_LIMITS } from './server-limits.ts';
import { readable } from './unreadable.ts';
import { SchemaPipe } from './validation.ts';

export interface GrpcServerOptions {
  module: DynamicModule;
  /** The service's full name, e.g. parley.session.v1.SessionService. */
  service: string;
  /** ts-proto's definition of it. */
  definition: ServiceDefinition;
  host: string;
  port: number;
  /** Whether the server describes itself (grpc.reflection.v1). */
  reflection: boolean;
  /** Fails while the service cannot do its work, e.g. because the database is away. */
  ready: () => Promise<void>;
  /** What this service does late, if anything; default nothing. */
  lags?: Lag[];
  /** Where calls and lags are measured; default nowhere. */
  metrics?: Metrics;
  /** Without it, anyone who reaches the port is served, in plaintext. */
  tls?: Tls | undefined;
  logger: Logger;
}

/**
 * Calls in flight end by their deadlines, long before this. What is open longer, such as a balancer's health watch,
 * is cut off: it would hold up the process for ever (P11).
 */
const DRAIN_LIMIT_MS = 5_000;

/**
 * An entry of its own, `@parley/grpc/server`: a process that only calls others need not load what serving takes.
 *
 * Starts a Nest gRPC server with what all of ours share: errors with reasons, the caller's request id and deadline,
 * health, reflection, and a close that finishes the calls in flight.
 */
export async function startGrpcServer(options: GrpcServerOptions): Promise<RunningService> {
  const { service, logger } = options;
  const packageName = service.slice(0, service.lastIndexOf('.'));
  const address = `${options.host}:${options.port}`;
  const health = new Health({ ...options, check: options.ready });
  let listener: Server | undefined;
  if (!options.tls && !isLoopback(options.host)) {
    logger.warn(`${address} serves plaintext to whoever reaches it: TLS_CERT_FILE is not set`);
  }

  const app = await NestFactory.createMicroservice<GrpcOptions>(options.module, {
    transport: Transport.GRPC,
    logger,
    options: {
      url: address,
      package: packageName,
      packageDefinition: { [service]: readable(options.definition) },
      channelOptions: SERVER_LIMITS,
      ...(options.tls && { credentials: options.tls.server() }),
      // Nest's default cancels the calls in flight.
      gracefulShutdown: true,
      onLoadPackageDefinition: (_definition: unknown, server: Server) => {
        listener = server;
        health.addTo(server);
        if (options.reflection) describe(service, server);
      },
    },
  });
  app.useGlobalFilters(new GrpcErrorFilter(packageName, logger));
  app.useGlobalInterceptors(new RequestInterceptor(logger, options.metrics));
  app.useGlobalPipes(new SchemaPipe());
  await app.listen();
  health.start();
  return {
    address,
    close: async () => {
      await health.drain();
      const limit = setTimeout(() => listener?.forceShutdown(), DRAIN_LIMIT_MS);
      await app.close();
      clearTimeout(limit);
    },
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function describe(service: string, server: Server): void {
  const protos = loadFileDescriptorSetFromBuffer(readFileSync(DESCRIPTOR_SET_FILE));
  new ReflectionService(protos, { services: [service] }).addToServer(server);
}
