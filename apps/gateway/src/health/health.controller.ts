import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Access } from '../auth/access.ts';
import { Readiness, type Check } from './readiness.ts';

/** For orchestrators; outside /api/v1. docs/adr/0010 says which probe is for whom. */
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

  /** For people, alarms and deployments: 200 when all is well, else 503 with what is missing or late, and by how much. */
  @Get('readyz')
  @Access('public')
  async readyz(@Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { checks, lags } = await this.readiness.report();
    const status = worst(Object.values(checks));
    if (status !== 'ok') reply.status(503);
    return { status, checks, lags };
  }

  /**
   * For balancers: 200 while requests can be served. What is late is no reason to send them elsewhere; nor are channels
   * that are away, for flows start without them and their messages wait.
   */
  @Get('readyz/traffic')
  @Access('public')
  async traffic(@Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { checks, lags } = await this.readiness.report();
    const needed = Object.entries(checks).filter(([name]) => name !== 'channel');
    const status = needed.some(([, check]) => check === 'unavailable') ? 'unavailable' : 'ok';
    if (status !== 'ok') reply.status(503);
    return { status, checks, lags };
  }
}

function worst(checks: Check[]): Check {
  return (['unavailable', 'late'] as const).find((check) => checks.includes(check)) ?? 'ok';
}
