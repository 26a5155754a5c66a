import TUFClient

@main
enum Main {
    static func main() async { await ClientProgram.start() }
}
