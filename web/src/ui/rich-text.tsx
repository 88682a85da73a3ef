/** Agent text: shown as it is until the Markdown reader has been loaded. */
import { lazy, memo, Suspense } from 'react'

const Markdown = lazy(() => import('./markdown'))

export const RichText = memo(function RichText({ text }: { text: string }) {
  return (
    <Suspense fallback={<div className="prose whitespace-pre-wrap">{text}</div>}>
      <Markdown text={text} />
    </Suspense>
  )
})
