export {
  createHealth,
  type DependencyHealth,
  type Health,
  type HealthCheck,
  type HealthOptions,
  type Readiness,
} from './health.ts'
export { limiterHealth, type ModalLimiter } from './limiter-health.ts'
