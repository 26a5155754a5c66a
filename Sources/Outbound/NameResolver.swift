import Glibc
package import NIOCore
import NIOPosix

/// Looks up the addresses of names.
package struct NameResolver: Sendable {
    package let lookUp: @Sendable (_ host: String, _ loop: any EventLoop) -> EventLoopFuture<[IPAddress]>

    package init(_ lookUp: @escaping @Sendable (String, any EventLoop) -> EventLoopFuture<[IPAddress]>) {
        self.lookUp = lookUp
    }

    /// As the system does, with all addresses of both families.
    package static let system = NameResolver { host, loop in
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) { addresses(of: host) }
    }

    private static func addresses(of host: String) -> [IPAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { unsafe freeaddrinfo(list) }
        var found: [IPAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let address = unsafe address(entry.pointee), !found.contains(address) { found.append(address) }
            unsafe next = entry.pointee.ai_next
        }
        return found
    }

    /// The address stands behind family and port; in IPv6 behind the flow label too. [netinet/in.h]
    private static func address(_ entry: addrinfo) -> IPAddress? {
        guard let raw = unsafe UnsafeRawPointer(entry.ai_addr) else { return nil }
        switch unsafe entry.ai_family {
        case AF_INET: return unsafe IPAddress(bytes: UnsafeRawBufferPointer(start: raw + 4, count: 4))
        case AF_INET6: return unsafe IPAddress(bytes: UnsafeRawBufferPointer(start: raw + 8, count: 16))
        default: return nil
        }
    }
}
