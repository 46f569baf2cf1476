import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Access } from '../auth/access.ts';
import { Readiness } from './readiness.ts';

/** For orchestrators; outside /api/v1. */
@Controller()
export class HealthController {
  private readonly readiness: Readiness;

  constructor(readiness: Readiness) {
    this.readiness = readiness;
  }

  /** The process is alive. */
  @Get('healthz')
  @Access('public')
  healthz(): object {
    return { status: 'ok' };
  }

  /** 200 when requests can be served, else 503 with what is missing. */
  @Get('readyz')
  @Access('public')
  async readyz(@Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const checks = await this.readiness.check();
    const ready = Object.values(checks).every((check) => check === 'ok');
    if (!ready) reply.status(503);
    return { status: ready ? 'ok' : 'unavailable', checks };
  }
}
