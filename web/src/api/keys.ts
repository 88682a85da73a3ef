/** Names of the cached reads. */
export const keys = {
  sessions: ['sessions'] as const,
  session: (id: string) => ['session', id] as const,
  transcript: (id: string) => ['transcript', id] as const,
  decisions: (id: string) => ['decisions', id] as const,
  contacts: ['contacts'] as const,
}
