declare const ALERTS_URL: string
declare const WEBHOOK_KEY: string
declare function suspend(userId: string | undefined): Promise<void>
