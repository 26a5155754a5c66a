/// Bounds how long a listing goes on, since a service may always have another page, full or empty.
struct Paging {
    static let mostPages = 20
    static let mostTime = Duration.seconds(60)

    private let service: String
    private let end = ContinuousClock.now + Self.mostTime
    private var pages = 0

    init(_ service: String) { self.service = service }

    /// Before a page is asked for.
    mutating func beginPage() throws(CloudKeyError) {
        pages += 1
        guard pages <= Self.mostPages, ContinuousClock.now < end else {
            throw CloudKeyError(
                .answer,
                "\(service) goes on listing after \(pages - 1) pages; \(Self.mostPages) are taken, within a minute",
                hint: "name the key itself")
        }
    }
}
