/** Sessions by project folder, with search. Rows are virtual, so that a thousand sessions stay smooth. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ChevronRight, GitBranch, Search } from 'lucide-react'
import { useMemo, useRef, useState } from 'react'
import { messageOf } from '../../api/errors'
import { sessionsQuery } from '../../api/queries'
import type { SessionSummary } from '../../api/types'
import { Button } from '../../ui/button'
import { agentName } from './flavors'
import { groupByFolder, isArchived, titleOf, visible } from './list'
import { StatusChip } from './status-chip'

type Item =
  | { kind: 'folder'; key: string; name: string; path: string; count: number }
  | { kind: 'session'; key: string; row: SessionSummary }
  | { kind: 'archive'; key: string; count: number }

export function SessionList() {
  const { data, error, refetch } = useQuery(sessionsQuery)
  const [search, setSearch] = useState('')
  const [archiveOpen, setArchiveOpen] = useState(false)
  const items = useMemo(() => itemsOf(data ?? [], search, archiveOpen), [data, search, archiveOpen])
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <label className="relative m-2 block">
        <span className="sr-only">Search sessions</span>
        <Search className="pointer-events-none absolute top-3.5 left-3 size-4 text-muted" aria-hidden="true" />
        <input
          type="search"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
          placeholder="Search sessions"
          className="h-11 w-full rounded-lg border border-line bg-page pr-3 pl-9 text-base placeholder:text-muted"
        />
      </label>
      {error && !data && (
        <div className="p-4">
          <p role="alert">{messageOf(error)}</p>
          <Button className="mt-2" onClick={() => void refetch()}>
            Try again
          </Button>
        </div>
      )}
      {data &&
        items.length === 0 &&
        (search ? <p className="p-4 text-muted">No session matches.</p> : <FirstSession />)}
      <Rows
        items={items}
        onToggleArchive={() => setArchiveOpen((open) => !open)}
        archiveOpen={archiveOpen || search !== ''}
      />
    </div>
  )
}

/** What a hub without sessions shows: how to start one. */
function FirstSession() {
  return (
    <div className="p-4 text-muted">
      <p>No sessions yet. On the machine with your code, run:</p>
      <pre className="mt-2 rounded-lg bg-raised p-3 text-xs wrap-anywhere whitespace-pre-wrap text-ink">
        {`export HAPI_API_URL=${window.location.origin}\nexport CLI_API_TOKEN=<your token>\nnpx @twsxtd/hapi claude`}
      </pre>
    </div>
  )
}

interface RowsProps {
  items: Item[]
  archiveOpen: boolean
  onToggleArchive: () => void
}

function Rows({ items, archiveOpen, onToggleArchive }: RowsProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (items[index]?.kind === 'session' ? 68 : 44),
    getItemKey: (index) => items[index]?.key ?? index,
    overscan: 8,
  })
  return (
    <div ref={scroller} className="safe-bottom min-h-0 flex-1 overflow-y-auto" data-testid="session-rows">
      <div className="relative" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((virtual) => {
          const item = items[virtual.index]
          if (!item) return null
          return (
            <div
              key={virtual.key}
              ref={rows.measureElement}
              data-index={virtual.index}
              className="absolute inset-x-0 top-0"
              style={{ transform: `translateY(${virtual.start}px)` }}
            >
              {item.kind === 'folder' && <Folder {...item} />}
              {item.kind === 'session' && <Row row={item.row} />}
              {item.kind === 'archive' && (
                <button
                  type="button"
                  aria-expanded={archiveOpen}
                  onClick={onToggleArchive}
                  className="flex min-h-11 w-full items-center gap-1 px-3 text-left text-sm font-medium text-muted hover:bg-raised"
                >
                  <ChevronRight className={`size-4 ${archiveOpen ? 'rotate-90' : ''}`} aria-hidden="true" />
                  Archived · {item.count}
                </button>
              )}
            </div>
          )
        })}
      </div>
    </div>
  )
}

function Folder({ name, path, count }: { name: string; path: string; count: number }) {
  return (
    <h2 className="flex min-h-9 items-end gap-2 px-4 pt-3 pb-1 text-xs font-semibold text-muted" title={path}>
      <span className="truncate">{name}</span>
      <span className="font-normal">{count}</span>
    </h2>
  )
}

function Row({ row }: { row: SessionSummary }) {
  const branch = row.metadata?.worktree?.branch
  const todos = row.todoProgress
  return (
    <Link
      to="/sessions/$sessionId"
      params={{ sessionId: row.id }}
      className="mx-2 block min-h-11 rounded-lg px-2 py-2 hover:bg-raised aria-[current=page]:bg-raised"
    >
      <span className={`block font-medium break-words ${row.active ? '' : 'text-muted'}`}>{titleOf(row)}</span>
      <span className="mt-1 flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-muted">
        <StatusChip id={row.id} facts={{ ...row, pending: row.pendingRequests }} />
        <span>{agentName(row.metadata?.flavor)}</span>
        {branch && (
          <span className="inline-flex min-w-0 items-center gap-1">
            <GitBranch className="size-3 shrink-0" aria-hidden="true" />
            <span className="truncate">{branch}</span>
          </span>
        )}
        {todos && (
          <span>
            todo {todos.completed}/{todos.total}
          </span>
        )}
      </span>
    </Link>
  )
}

function itemsOf(all: SessionSummary[], search: string, archiveOpen: boolean): Item[] {
  const rows = visible(all, search)
  const archived = rows.filter(isArchived)
  const items = groupByFolder(rows.filter((row) => !isArchived(row))).flatMap(foldersAndRows)
  if (archived.length === 0) return items
  items.push({ kind: 'archive', key: 'archive', count: archived.length })
  if (archiveOpen || search !== '') items.push(...groupByFolder(archived).flatMap(foldersAndRows))
  return items
}

function foldersAndRows({ path, name, rows }: ReturnType<typeof groupByFolder>[number]): Item[] {
  const first = rows[0]
  return [
    { kind: 'folder', key: `folder:${path}:${first && isArchived(first)}`, name, path, count: rows.length },
    ...rows.map((row): Item => ({ kind: 'session', key: row.id, row })),
  ]
}
