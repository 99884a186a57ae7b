/**
 * Loaded into the server by `npm start`: when the pipe to the parent closes, because it says so or
 * because it died, the server stops as it does on SIGTERM. Works the same on every platform.
 */
process.once('disconnect', () => process.emit('SIGTERM', 'SIGTERM'))
process.channel?.unref()
