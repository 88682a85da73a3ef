/** Markdown as React elements. Raw HTML in it stays text, unsafe addresses are dropped, and nothing is fetched. */
import ReactMarkdown, { type Components } from 'react-markdown'
import remarkGfm from 'remark-gfm'

const plugins = [remarkGfm]

const components: Components = {
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  ),
  // A picture from elsewhere would be a request to another host.
  img: ({ src, alt }) => (
    <a href={typeof src === 'string' ? src : undefined} target="_blank" rel="noopener noreferrer">
      {alt || 'Image'}
    </a>
  ),
  // What may scroll sideways must be reachable by keyboard.
  // biome-ignore lint/a11y/noNoninteractiveTabindex: that is the reason
  pre: ({ children }) => <pre tabIndex={0}>{children}</pre>,
  table: ({ children }) => (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
    <div className="table-scroll" tabIndex={0}>
      <table>{children}</table>
    </div>
  ),
}

export default function Markdown({ text }: { text: string }) {
  return (
    <div className="prose">
      <ReactMarkdown remarkPlugins={plugins} components={components}>
        {text}
      </ReactMarkdown>
    </div>
  )
}
