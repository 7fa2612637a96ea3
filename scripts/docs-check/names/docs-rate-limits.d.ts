declare const queue: { ping(): Promise<void> }
