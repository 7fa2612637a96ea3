export { createTelemetry, type Telemetry, type TelemetryOptions } from './create-telemetry.ts'
export { pinoMixin } from './pino-mixin.ts'
