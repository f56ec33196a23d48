"""The shop's background worker: recounts the stock, and shows that it is alive by touching its heartbeat file."""

import os
import time

HEARTBEAT = os.environ.get("SHOP_HEARTBEAT", "/run/shop/heartbeat")


def work(stock):
    for item in stock:
        stock[item] = (stock[item] * 31 + 7) % 100


def main():
    stock = {f"item {number}": number for number in range(20)}
    print(f"worker runs, process {os.getpid()}", flush=True)
    while True:
        work(stock)
        with open(HEARTBEAT, "w", encoding="utf-8") as file:
            file.write(f"{time.time():.3f}\n")
        time.sleep(0.25)


main()
