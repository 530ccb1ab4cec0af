"""A gRPC server; needs `pip install grpcio`. Type `python3 examples/grpc_server.py`.

Call it with `python3 examples/grpc_server.py you`, edit the answer in greet(), save, call again.
"""
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

sys.path.append(sys.path[0] + '/..')  # not needed with reloader.py beside the program
import reloader  # noqa: E402

try:
    import grpc
except ImportError:
    sys.exit('this example needs gRPC: pip install grpcio')


def greet(request, context):
    return b'Hello, ' + request


def serve(host, port):
    server = grpc.server(ThreadPoolExecutor(4))
    method = grpc.unary_unary_rpc_method_handler(greet)
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler('Greeter', {'Greet': method})])
    server.add_insecure_port(f'{host}:{port}')
    server.start()
    print(f'serving on {host}:{port}', flush=True)
    server.wait_for_termination()


if sys.argv[1:]:
    channel = grpc.insecure_channel('127.0.0.1:50051')
    print(channel.unary_unary('/Greeter/Greet')(sys.argv[1].encode()).decode())
else:
    reloader.run_with_reloader(partial(serve, '127.0.0.1', 50051))
