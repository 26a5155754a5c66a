date -u
swift build --disable-xctest --build-tests > /tmp/build.log 2>&1 || { grep -E "error" /tmp/build.log | grep "^/" | sort -u | head; echo BUILD FAILED; exit 1; }
date -u
ROADSTEAD_PROGRAMS=/work/seed/.build/debug FOLLOW='/work/seed/.build-python/bin/python /work/seed/Tests/Support/python-tuf/follow.py' timeout 200 bash Tests/Support/stories/ceremonies.sh > /tmp/story.log 2>&1; echo story $?
date -u
swift test --skip-build --disable-xctest --no-parallel --filter 'RoadsteadStoreTests.CeremonyTests|PublishingTests|QueryTests|Story|Robustness|OpenAPI|ArchitectureTests|Ceremonies'
date -u
