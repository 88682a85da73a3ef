// A reverse proxy as people put in front of a hub: it keeps few connections to the hub and sends requests of every
// kind over each of them, and it passes websocket upgrades through.
import http from 'node:http'
import net from 'node:net'

export async function startProxy(hub) {
    const target = new URL(hub.url)
    const agent = new http.Agent({ keepAlive: true, maxSockets: 2, maxFreeSockets: 2 })
    const used = new Set()
    const open = new Set()
    const server = http.createServer((request, response) => {
        // The client's wish to close is for its own connection.
        const { connection, ...headers } = request.headers
        const { method, url } = request
        const upstream = http.request({ host: target.hostname, port: target.port, method, path: url, headers, agent }, (answer) => {
            response.writeHead(answer.statusCode, answer.headers)
            answer.pipe(response)
        })
        upstream.once('socket', (socket) => used.add(socket))
        upstream.once('error', () => response.destroy())
        response.once('close', () => { if (!response.writableFinished) upstream.destroy() })
        request.pipe(upstream)
    })
    server.on('upgrade', (request, socket, head) => {
        const upstream = net.connect(target.port, target.hostname, () => {
            const lines = [`${request.method} ${request.url} HTTP/1.1`]
            for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`)
            upstream.write(`${lines.join('\r\n')}\r\n\r\n`)
            upstream.write(head)
            upstream.pipe(socket).pipe(upstream)
        })
        for (const one of [socket, upstream]) {
            open.add(one)
            one.once('error', () => { socket.destroy(); upstream.destroy() })
        }
    })
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        token: hub.token,
        /** Connections to the hub that carried requests so far. */
        connections: () => used.size,
        close: () => {
            for (const socket of open) socket.destroy()
            agent.destroy()
            server.closeAllConnections()
            return new Promise((resolve) => server.close(resolve))
        }
    }
}
